// Addresses of outputs, in browsers and in Node: https://HOST/KEY/NAME, with NAME = RENDITION.EXT, e.g. 800x.auto.

/** `version` is the ETag that the upload returned. `query` holds `s` and `e` of `sign`, which runs on a server only. */
export function address(base, key, name, { version, ...query } = {}) {
  const given = Object.entries({ v: version?.replace(/^"/, '').slice(0, 8), ...query }).filter(([, value]) => value);
  const path = `${key}/${name}`.split('/').map(encoded).join('/');
  return `${base.replace(/\/+$/, '')}/${path}${given.length ? '?' + given.map(pair => pair.join('=')).join('&') : ''}`;
}

// S3 and the signature take what RFC 3986 reserves only in its encoded form; encodeURIComponent leaves !'()* as they are.
function encoded(part) {
  return encodeURIComponent(part).replace(/[!'()*]/g, each => '%' + each.charCodeAt(0).toString(16).toUpperCase());
}
