// BullMQ's own worker on a queue, doing nothing as fast as it can; ends when its input does.
// What it is told: HOST PORT PREFIX QUEUE CONCURRENCY.
import { Worker } from "bullmq";
const [host, port, prefix, queue, concurrency] = process.argv.slice(2);
const connection = { host, port: Number(port), maxRetriesPerRequest: null };
const worker = new Worker(queue, async (job) => job.data, {
  connection,
  prefix,
  concurrency: Number(concurrency),
  removeOnComplete: { age: 3600, count: 100 },
  metrics: { maxDataPoints: 24 * 60 },
});
await worker.waitUntilReady();
console.log("ready");
process.stdin.resume();
process.stdin.on("end", async () => {
  await worker.close();
  process.exit(0);
});
