// CloudFront Function (runtime 2.0) of viewer requests: refuses addresses that can never be right, and gives all spellings of
// an address one cache entry. `make pages` copies it to cdn.yaml, whose parameters replace the names in braces.
const RENDITIONS = '${Renditions},${DynamicRenditions}';
const AUTO_FORMATS = '${AutoFormats}'.split(',');
const MANIFESTS = '${Manifests}' === 'on';

// Query parameters of an address. Others would make a cache entry each, and so an invocation each.
// The function adds r=1 to the address of an output that is too large for its answer, and redirects there.
const PARAMETERS = { v: /^[0-9a-f]{8}$/, s: /^[0-9A-Za-z][0-9A-Za-z_-]{22}$/, e: /^[0-9]{1,11}$/, r: /^1$/ };
const TEXT_FORM = /^[0-9]{0,5}x[0-9]{0,5}(-|$)/;
const FIXED_FORMAT = /-(jpe?g|png|webp|gif|avif|auto)(-|$)/;
const MAX_KEY_BYTES = 1024;

// Label of each listed rendition: whether it has a format of its own. It has no prototype, whose
// names are not labels.
const LISTED = Object.create(null);
RENDITIONS.split(',').forEach(function (text) {
  const parts = text.trim().split('=');
  if (parts[0]) LISTED[parts[0]] = FIXED_FORMAT.test(parts[parts.length - 1]);
});

function handler(event) {
  const request = event.request;
  // S3 reads a bare + as a space, the function reads it as itself.
  request.uri = request.uri.replace(/[+]/g, '%2B');
  const key = decoded(request.uri);
  if (key === null) return refusal(400, 'Bad Request', 'key: expected an object key without control characters, '
    + 'empty, "." or ".." parts, of at most ' + MAX_KEY_BYTES + ' bytes of percent-encoded UTF-8, got another path');
  const name = key.slice(key.lastIndexOf('/') + 1);
  if (name === 'manifest.json' && !MANIFESTS) return refusal(404, 'Not Found', 'SourceNotFound: manifests are not served here');
  const label = name.slice(0, name.lastIndexOf('.'));
  request.querystring = allowed(request.querystring, label in LISTED);
  if (request.uri.endsWith('.auto') && mayChoose(label)) {
    const format = accepted(request.headers.accept ? request.headers.accept.value : '');
    if (format) request.uri = request.uri.slice(0, -'auto'.length) + format;
  }
  return request;
}

// The key of a path, or null if no object has it.
function decoded(uri) {
  try {
    const key = decodeURIComponent(uri.slice(1));
    const bytes = encodeURIComponent(key).replace(/%../g, '_').length;
    const bad = /[\x00-\x1f\x7f]/.test(key) || key.split('/').some(function (part) { return ['', '.', '..'].includes(part); });
    return bad || bytes > MAX_KEY_BYTES ? null : key;
  } catch (error) {
    return null;
  }
}

// A listed rendition needs no signature, and an expiry is part of a signature.
function allowed(given, listed) {
  const kept = {};
  for (const name in PARAMETERS) {
    if (given[name] && PARAMETERS[name].test(given[name].value)) kept[name] = { value: given[name].value };
  }
  if (listed) delete kept.s;
  if (!kept.s) delete kept.e;
  return kept;
}

function mayChoose(label) {
  return label in LISTED ? !LISTED[label] : TEXT_FORM.test(label) && !FIXED_FORMAT.test(label);
}

// The first of our formats that the browser accepts; '' leaves the choice between JPEG and PNG to the function.
function accepted(header) {
  const types = header.toLowerCase().split(',').map(function (each) { return each.replace(/\s/g, '').split(';'); });
  const found = AUTO_FORMATS.filter(function (format) {
    return types.some(function (type) {
      return type[0] === 'image/' + format && !type.slice(1).some(function (each) { return /^q=0([.]0*)?$/.test(each); });
    });
  });
  return found.length ? found[0] : '';
}

function refusal(status, description, sentence) {
  return {
    statusCode: status,
    statusDescription: description,
    headers: {
      'content-type': { value: 'text/plain; charset=utf-8' },
      'cache-control': { value: 'public, max-age=3600' },
      'x-content-type-options': { value: 'nosniff' }
    },
    body: sentence + '\n'
  };
}
