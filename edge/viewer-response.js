// CloudFront Function (runtime 2.0) of viewer responses: browsers may keep an output for a year only if the address names
// the version of its source, and never see our metadata. `make pages` copies it to cdn.yaml.
const SHORT = 'public, max-age=60, stale-while-revalidate=300';
const IMMUTABLE = 'public, max-age=31536000, immutable';
const SOURCE = 'x-amz-meta-tinypics-source-etag';

function handler(event) {
  const response = event.response;
  const headers = response.headers;
  const stored = headers['cache-control'] ? headers['cache-control'].value : SHORT;
  const asked = event.request.querystring.v;
  // A page may know the new version before the output is replaced: the old one must not be kept under the new address.
  // An own Cache-Control of the stack's parameter remains.
  if (headers[SOURCE]) {
    const current = asked && headers[SOURCE].value.replace(/"/g, '').slice(0, 8) === asked.value;
    headers['cache-control'] = { value: current && stored === SHORT ? IMMUTABLE : stored };
  }
  Object.keys(headers).forEach(function (name) {
    if (name.startsWith('x-amz-meta-') || name.startsWith('x-amz-server-side-encryption')) delete headers[name];
  });
  return response;
}
