# A portal on AWS Lambda. Copy this folder, and let the sources point to the modules of the version that you run, such as
# git::https://example.com/gatehouse.git//deploy/terraform/modules/data?ref=v0.1.0.

terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

provider "aws" {
  region = var.region
}

module "data" {
  source = "../modules/data"

  name      = var.name
  key_users = var.key_users
  protect   = var.protect

  # If AWS Lambda stops a worker in the middle of its messages, they come again after this time.
  queue_visibility = 60

  marketplace_topics   = local.marketplace_topics
  marketplace_accounts = local.marketplace_accounts
}

module "permissions" {
  source = "../modules/permissions"

  name        = module.data.name
  kms_key_arn = module.data.kms_key_arn
  seller      = var.sell
  trail       = local.trail
}

# Leave this out if you have another identity provider, and give the module lambda oidc_issuer and oidc_client_id.
module "identity" {
  source = "../modules/identity"

  name        = "${var.name}-identity"
  domain_name = module.lambda.host_name
  admin_email = var.admin_email
  protect     = var.protect
}

# The zip that make lambda builds. Its key has its checksum, since AWS Lambda takes a new zip only under a new key.

resource "aws_s3_bucket" "programs" {
  bucket_prefix = substr("${lower(var.name)}-programs-", 0, 37)
  force_destroy = true
}

resource "aws_s3_object" "zip" {
  bucket = aws_s3_bucket.programs.bucket
  key    = "gatehouse/${substr(filesha256(var.zip), 0, 16)}.zip"
  source = var.zip

  lifecycle {
    create_before_destroy = true
  }
}

module "lambda" {
  source = "../modules/lambda"

  name               = module.data.name
  kms_key_arn        = module.data.kms_key_arn
  portal_policy_arns = module.permissions.portal_policy_arns
  worker_policy_arns = module.permissions.worker_policy_arns

  code_bucket  = aws_s3_object.zip.bucket
  code_key     = aws_s3_object.zip.key
  architecture = var.architecture

  domain_name     = var.domain_name
  certificate_arn = var.certificate_arn
  hosted_zone_id  = var.hosted_zone_id

  oidc_issuer       = module.identity.oidc_issuer
  oidc_client_id    = module.identity.oidc_client_id
  oidc_sign_up_url  = module.identity.oidc_sign_up_url
  oidc_sign_out_url = module.identity.oidc_sign_out_url
  admin_group       = module.identity.admin_group

  marketplace_topics   = local.marketplace_topics
  marketplace_accounts = local.marketplace_accounts

  trail = local.trail
}

module "operations" {
  source = "../modules/operations"

  name                 = module.data.name
  portal_log_group     = module.lambda.portal_log_group
  worker_log_group     = module.lambda.worker_log_group
  http_api_ids         = module.lambda.http_api_ids
  worker_function_name = module.lambda.worker_function_name
  trail                = local.trail
  alarm_email          = var.alarm_email
}
