data "aws_caller_identity" "here" {}

data "aws_partition" "here" {}

data "aws_region" "here" {}

locals {
  root = "arn:${data.aws_partition.here.partition}:iam::${data.aws_caller_identity.here.account_id}:root"

  create_key = var.kms_key_arn == ""
  key_arn    = local.create_key ? aws_kms_key.keys[0].arn : var.kms_key_arn

  sells = length(var.marketplace_topics) + length(var.marketplace_accounts) > 0
}
