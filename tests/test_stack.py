"""The stack as a whole, read from the transformed template: what it keeps, what it watches."""

from __future__ import annotations

from tests.transformed import resources, template


def test_pictures_outlive_the_stack() -> None:
    for name in resources("AWS::S3::Bucket"):
        resource = template()["Resources"][name]
        assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")
    versions = resources("AWS::S3::Bucket")["SourceBucketResource"]["VersioningConfiguration"]["Fn::If"]
    assert versions[:2] == ["HasVersions", {"Status": "Enabled"}]
