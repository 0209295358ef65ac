// sharp as a library, one thread, no cache, with the protocol of bench/child.py.
const fs = require("node:fs");
const sharp = require("sharp");
const { peakMb } = require("./memory.cjs");

sharp.concurrency(1);
sharp.cache(false);

async function made(data, each) {
  const picture = sharp(data, { animated: data.subarray(0, 4).toString() === "GIF8" });
  const options = each.quality ? { quality: each.quality } : {};
  return picture.autoOrient().resize(each.width, each.height).toFormat(each.format, options).toBuffer();
}

async function resize(data, wanted) {
  const outputs = [];
  for (const each of wanted) outputs.push(await made(data, each));
  return outputs;
}

async function main(job) {
  const data = fs.readFileSync(job.source);
  const outputs = await resize(data, job.wanted);
  outputs.forEach((output, n) => fs.writeFileSync(`${job.out}/${n}`, output));
  const cpu = [];
  let spent = 0;
  while (cpu.length < job.least || (spent < job.enough_ms && cpu.length < job.most)) {
    const before = process.cpuUsage();
    await resize(data, job.wanted);
    const used = process.cpuUsage(before);
    cpu.push((used.user + used.system) / 1000);
    spent += cpu.at(-1);
  }
  process.stdout.write(JSON.stringify({ cpu_ms: cpu, peak_mb: peakMb() }));
}

main(JSON.parse(process.argv[2]));
