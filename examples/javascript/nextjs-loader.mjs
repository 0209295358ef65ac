// The loader of next/image (https://nextjs.org/docs/app/api-reference/components/image#loaderfile), in next.config.mjs:
//   images: { loader: 'custom', loaderFile: './nextjs-loader.mjs', deviceSizes: [640, 1080, 1920], imageSizes: [128, 256] }
// These widths must be listed: DynamicRenditions=640x,1080x,1920x,128x,256x. Browsers never sign.
// <Image src="photos/cat.jpg" …> has the object's key; append ?v=ETAG if you keep the ETag beside the key.
import { address } from './address.mjs';

export default function loader({ src, width, quality }) {
  const [, key, version] = src.match(/^\/?(.*?)(?:\?v=([0-9a-f]{8}))?$/s);
  return address(process.env.NEXT_PUBLIC_TINYPICS_URL, key, `${width}x${quality ? `-q${quality}` : ''}.auto`, { version });
}
