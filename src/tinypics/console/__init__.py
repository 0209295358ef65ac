"""The web console: uploads, executions, failures and the health of one stack, on a page for this computer only.

An adapter beside the command line. It asks the same services with the same credentials; pictures go between the browser
and S3 directly, by presigned addresses.
"""
