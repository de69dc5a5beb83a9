"""Writes aws.txt anew: every service's hosts by botocore's own rules, with the region left open.

Run with a Python that has botocore: python aws.py >aws.txt
"""
from urllib.parse import urlparse

import botocore.session

REGIONS = ["us-east-1", "eu-west-1", "us-gov-west-1", "cn-north-1"]
ALIASES = {"s3": ["s3api"], "config": ["configservice"], "codedeploy": ["deploy"]}
# Hosts that carry the account, and what a client of the model alone does not show.
MORE = {
    "s3control": ["{account}.s3-control.{region}.amazonaws.com", "{account}.s3-control.{region}.amazonaws.com.cn"],
    "dynamodb": ["{account}.ddb.{region}.amazonaws.com", "{account}.ddb.{region}.amazonaws.com.cn"],
    "kinesis": ["{account}.control-kinesis.{region}.amazonaws.com", "{account}.data-kinesis.{region}.amazonaws.com"],
    "logs": ["streaming-logs.{region}.amazonaws.com"],
    "sts": ["sts.amazonaws.com"],
}


def endpoints(session, service, region):
    client = session.create_client(service, region_name=region, aws_access_key_id="x", aws_secret_access_key="y")
    yield client.meta.endpoint_url
    rules = client._ruleset_resolver
    if rules is None:
        return
    asked = {"Region": region, "UseDualStack": False, "UseFIPS": False}
    try:
        yield rules._provider.resolve_endpoint(**{k: v for k, v in asked.items() if k in rules._param_definitions}).url
    except Exception:  # the rules want more than a region
        return


session = botocore.session.Session()
print("# Hosts of the AWS CLI's services; aws.py wrote it from botocore's rules. {region} is any region, {account} the connection's.")
for service in sorted(session.get_available_services()):
    hosts = set(MORE.get(service, []))
    for region in REGIONS:
        hosts |= {urlparse(url).hostname.replace(region, "{region}") for url in endpoints(session, service, region)}
    for name in [service] + ALIASES.get(service, []):
        print("aws", name, *sorted(hosts))
