// Peak memory of this process in megabytes: see bench/memory.py.
const fs = require("node:fs");

exports.peakMb = () => {
  if (process.platform === "darwin") return process.resourceUsage().maxRSS / 1000;
  const line = fs.readFileSync("/proc/self/status", "utf8").match(/^VmHWM:\s+(\d+)/m);
  return (Number(line[1]) * 1024) / 1e6;
};
