data "aws_caller_identity" "here" {}

data "aws_partition" "here" {}

data "aws_region" "here" {}

locals {
  partition = data.aws_partition.here.partition
  account   = data.aws_caller_identity.here.account_id
  region    = data.aws_region.here.name

  table         = "arn:${local.partition}:dynamodb:${local.region}:${local.account}:table/${var.name}"
  queue         = "arn:${local.partition}:sqs:${local.region}:${local.account}:${var.name}"
  topic         = "arn:${local.partition}:sns:${local.region}:${local.account}:${var.name}"
  control_plane = "arn:${local.partition}:apigateway:${local.region}::"
  buckets       = "arn:${local.partition}:s3:::"
}
