// Human-readable numbers and times.

const UNITS = ["bytes", "kB", "MB", "GB", "TB"];
const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });
const longDay = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const short = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

export function bytes(count) {
  if (count === null || count === undefined) return "";
  let power = 0;
  while (count >= 999.5 && power < UNITS.length - 1) {
    count /= 1000;
    power += 1;
  }
  return `${power && count < 99.95 ? count.toFixed(1) : Math.round(count)} ${UNITS[power]}`;
}

export function duration(ms) {
  if (ms === null || ms === undefined) return "";
  if (ms < 1) return "< 1 ms";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

/** A time left: 40 s, 5 min, 2 h. */
export function roughly(seconds) {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

/** The time of day; with the date unless it is today. */
export function timeOfDay(stamp) {
  const at = new Date(stamp);
  const today = at.toDateString() === new Date().toDateString();
  return today ? time.format(at) : `${day.format(at)}, ${time.format(at)}`;
}

export function timeOnly(stamp) {
  return short.format(new Date(stamp));
}

/** The day as a heading: Today, Yesterday, or its date. */
export function dayOf(stamp) {
  const day = new Date(stamp).toDateString();
  if (day === new Date().toDateString()) return "Today";
  return day === new Date(Date.now() - 86_400_000).toDateString() ? "Yesterday" : longDay.format(new Date(stamp));
}

export function fullTime(stamp) {
  return full.format(new Date(stamp));
}

export function count(number) {
  return number.toLocaleString();
}

export function plural(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}
