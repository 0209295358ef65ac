// A typical Node Lambda function: the AWS SDK v3 downloads the picture, sharp resizes it, the SDK uploads the result.
const { S3Client, GetObjectCommand, PutObjectCommand } = require("@aws-sdk/client-s3");
const sharp = require("sharp");

sharp.concurrency(1);
sharp.cache(false);
const s3 = new S3Client({ forcePathStyle: true });

const destination = process.env.TINYPICS_OUTPUT_BUCKET;
const [width, height] = process.env.TINYPICS_RENDITIONS.split("x").map(Number);

exports.handler = async (event) => {
  const bucket = event.detail.bucket.name;
  const key = event.detail.object.key;
  const source = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  const data = await source.Body.transformToByteArray();
  const output = await sharp(data).autoOrient().resize(width, height).jpeg().toBuffer();
  await s3.send(
    new PutObjectCommand({
      Bucket: destination,
      Key: key,
      Body: output,
      ContentType: "image/jpeg",
    }),
  );
  return {
    status: "SUCCESS",
    source_bucket: bucket,
    dest_bucket: destination,
    width,
    height,
  };
};
