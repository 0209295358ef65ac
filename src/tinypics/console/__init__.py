"""The web console: uploads, executions, failures and the health of one stack, on a page for this computer only.

An adapter beside the command line, with the same clients and credentials. Pictures go directly between the browser and
S3, by presigned URLs.
"""
