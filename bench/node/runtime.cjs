// A minimal Lambda runtime: events in, answers out, one JSON line each, with the protocol of bench/runtime.py.
const fs = require("node:fs");
const path = require("node:path");
const { handler } = require(path.join(__dirname, "handler.cjs"));

const answers = Number(process.argv[2]);

async function main(events) {
  for (const event of events) {
    const before = process.cpuUsage();
    const started = performance.now();
    const answer = await handler(event, {});
    const wall = performance.now() - started;
    const used = process.cpuUsage(before);
    const all = process.cpuUsage();
    const line = {
      answer,
      wall_ms: wall,
      cpu_ms: (used.user + used.system) / 1000,
      since_start_cpu_ms: (all.user + all.system) / 1000,
    };
    fs.writeSync(answers, JSON.stringify(line) + "\n");
  }
  const { peakMb } = require("./memory.cjs"); // imported late, so that it is not part of the measured start
  fs.writeSync(answers, JSON.stringify({ peak_mb: peakMb() }) + "\n");
}

main(JSON.parse(process.argv[3])).then(() => process.exit(0));
