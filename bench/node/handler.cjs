// A typical Node Lambda function: the AWS SDK v3 downloads the picture, sharp resizes it, the SDK uploads the result.
const { S3Client, GetObjectCommand, PutObjectCommand } = require("@aws-sdk/client-s3");
const sharp = require("sharp");

sharp.concurrency(1);
sharp.cache(false);
const s3 = new S3Client({ forcePathStyle: true });

exports.handler = async (event) => {
  const source = await s3.send(new GetObjectCommand({ Bucket: event.bucket, Key: event.key }));
  const data = await source.Body.transformToByteArray();
  const output = await sharp(data).autoOrient().resize(event.width, event.height).jpeg().toBuffer();
  await s3.send(
    new PutObjectCommand({
      Bucket: event.dest_bucket,
      Key: event.dest_key,
      Body: output,
      ContentType: "image/jpeg",
    }),
  );
  return {
    status: "SUCCESS",
    source_bucket: event.bucket,
    dest_bucket: event.dest_bucket,
    width: event.width,
    height: event.height,
  };
};
