// Signatures of addresses that the stack does not list. Only for servers, because a key can sign every address.
import { createHmac } from 'node:crypto';

/** `keys` is the JSON document of the stack's secret, `expires` whole seconds since 1970 or nothing. */
export function sign(keys, key, name, expires) {
  const id = Object.keys(keys).sort().pop();
  // Whole days, so that the addresses of one day are one cache entry.
  const e = expires ? String(Math.ceil(expires / 86400) * 86400) : '';
  const digest = createHmac('sha256', keys[id]).update(`tinypics1\n${key}\n${name}\n${e}`).digest();
  return { s: id + digest.subarray(0, 16).toString('base64url'), e };
}
