// BullMQ's own queue: adds jobs one after another, and prints how many seconds that took.
// What it is told: HOST PORT PREFIX QUEUE COUNT.
import { Queue } from "bullmq";
const [host, port, prefix, name, count] = process.argv.slice(2);
const queue = new Queue(name, { connection: { host, port: Number(port) }, prefix });
await queue.waitUntilReady();
const options = { priority: 10, attempts: 3, keepLogs: 1000, stackTraceLimit: 10, backoff: { type: "exponential", delay: 5000 } };
const began = performance.now();
for (let number = 0; number < Number(count); number += 1) {
  await queue.add("poll-balance", { baker_id: `tz1-${number}` }, options);
}
console.log((performance.now() - began) / 1000);
await queue.close();
