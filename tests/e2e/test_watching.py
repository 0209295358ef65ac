"""The stack of monitoring.yaml watches a deployed one, and an alarm reaches its topic."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.transformed import MONITORING, resources, template
from tinypics.local import deploy
from tinypics.stack.clients import Cloud
from tinypics.stack.deployed import outputs

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.e2e

PROJECT = Path(__file__).parents[2]
TOPIC = "arn:aws:sns:us-east-1:000000000000:alarms"
TOKENS = {"ApiAuth": "JWT", "ApiJwtIssuer": "https://issuer.example", "ApiJwtAudience": "web,app"}
PARAMETERS = {
    "Trigger": "queue",
    "Tracing": "on",
    "KeepVersions": "30",
    "ReservedConcurrency": "7",
    "Cdn": "on",
    **TOKENS,
}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with deploy.running(tmp_path_factory.mktemp("watched"), PROJECT, 0, PARAMETERS) as (_, facts):
        deployed = Cloud.local(facts.endpoint, facts.region)
        deploy_monitoring(deployed)
        yield deployed


def deploy_monitoring(cloud: Cloud) -> None:
    """Deploy monitoring.yaml with the command from the stack's outputs, with a topic and a dashboard."""
    cloudformation = cloud.client("cloudformation")
    command = outputs(cloudformation, "tinypics")["MonitoringCommand"].split(" ")
    given = dict(each.split("=") for each in command[command.index("--parameter-overrides") + 1 :])
    name = command[command.index("--stack-name") + 1]
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=(PROJECT / command[command.index("--template-file") + 1]).read_text(),
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value}
            for key, value in (given | {"Monitoring": "full", "AlarmTopic": TOPIC}).items()
        ],
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 0.1})


def test_everything_is_there(cloud: Cloud) -> None:
    watch = cloud.client("cloudwatch")
    assert len(watch.describe_alarms()["MetricAlarms"]) == len(resources("AWS::CloudWatch::Alarm", MONITORING))
    body = json.loads(watch.get_dashboard(DashboardName="tinypics")["DashboardBody"])
    assert "tinypics-resize" in json.dumps(body)
    assert "${" not in json.dumps(body)
    filters = cloud.client("logs").describe_metric_filters()["metricFilters"]
    assert len(filters) == len(resources("AWS::Logs::MetricFilter", MONITORING))
    constant = {each["metricTransformations"][0]["metricValue"] for each in filters}
    cost = template(MONITORING)["Mappings"]["PerPicture"]
    assert cost["queue"]["STANDARD"] in constant
    assert cost["workflow"]["STANDARD"] not in constant
    config = cloud.client("lambda").get_function_configuration(FunctionName="tinypics-resize")
    assert config["TracingConfig"] == {"Mode": "Active"}
    assert cloud.client("s3").get_bucket_versioning(Bucket="original-pics")["Status"] == "Enabled"


def test_the_api_takes_tokens(cloud: Cloud) -> None:
    gateway = cloud.client("apigatewayv2")
    (api,) = [each["ApiId"] for each in gateway.get_apis()["Items"] if each["Name"] == "tinypics"]
    (authorizer,) = gateway.get_authorizers(ApiId=api)["Items"]
    assert authorizer["JwtConfiguration"] == {"Issuer": "https://issuer.example", "Audience": ["web", "app"]}
    for route in gateway.get_routes(ApiId=api)["Items"]:
        assert (route["AuthorizationType"], route["AuthorizerId"]) == ("JWT", authorizer["AuthorizerId"])


def test_every_alarm_sounds_above_its_threshold_and_only_then(cloud: Cloud) -> None:
    watch = cloud.client("cloudwatch")
    for alarm in watch.describe_alarms()["MetricAlarms"]:
        name, threshold = alarm["AlarmName"], alarm["Threshold"]
        put(watch, alarm, 0)
        assert state(watch, name) == "OK", name
        put(watch, alarm, (threshold + 1) * 1000)
        assert state(watch, name) == "ALARM", name


def test_an_alarm_reaches_its_topic(cloud: Cloud) -> None:
    topics, queues, watch = cloud.client("sns"), cloud.client("sqs"), cloud.client("cloudwatch")
    assert topics.create_topic(Name="alarms")["TopicArn"] == TOPIC
    queue = queues.create_queue(QueueName="heard")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topics.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=arn)
    watch.set_alarm_state(AlarmName="tinypics-dead-letters", StateValue="OK", StateReason="test")
    watch.set_alarm_state(AlarmName="tinypics-dead-letters", StateValue="ALARM", StateReason="test")
    heard = ""
    while "tinypics-dead-letters" not in heard:
        received = queues.receive_message(QueueUrl=queue, WaitTimeSeconds=10).get("Messages", [])
        assert received, "nothing came"
        heard += "".join(message["Body"] for message in received)


def put(watch: Any, alarm: dict[str, Any], value: float) -> None:
    measured = {"MetricName": alarm["MetricName"], "Dimensions": alarm.get("Dimensions", []), "Value": value}
    watch.put_metric_data(Namespace=alarm["Namespace"], MetricData=[measured])


def state(watch: Any, name: str) -> str:
    return str(watch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"])
