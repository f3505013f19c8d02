data "aws_caller_identity" "here" {}

data "aws_partition" "here" {}

data "aws_region" "here" {}

locals {
  account   = data.aws_caller_identity.here.account_id
  partition = data.aws_partition.here.partition
  region    = data.aws_region.here.name

  queue       = "arn:${local.partition}:sqs:${local.region}:${local.account}:${var.name}"
  own_domain  = var.domain_name != ""
  workers_run = var.workers == "running"
  host_name   = local.own_domain ? var.domain_name : "${aws_apigatewayv2_api.portal.id}.execute-api.${local.region}.${data.aws_partition.here.dns_suffix}"
  base_url    = "https://${local.host_name}"
}
