"""What `bakehouse doctor` looks at, by kind. Each check gives findings; none changes anything."""
