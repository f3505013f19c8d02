# A portal in containers. Copy this folder, and let the sources point to the modules of the version that you run, such as
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

# Leave this out if you have another identity provider, and give the module containers oidc_issuer and oidc_client_id.
module "identity" {
  source = "../modules/identity"

  name        = "${var.name}-identity"
  domain_name = var.domain_name
  admin_email = var.admin_email
  protect     = var.protect
}

module "containers" {
  source = "../modules/containers"

  name               = module.data.name
  kms_key_arn        = module.data.kms_key_arn
  portal_policy_arns = module.permissions.portal_policy_arns
  worker_policy_arns = module.permissions.worker_policy_arns

  image   = var.image
  size    = var.size
  metrics = "cloudwatch"

  domain_name     = var.domain_name
  certificate_arn = var.certificate_arn
  hosted_zone_id  = var.hosted_zone_id
  vpc_id          = var.vpc_id
  subnet_ids      = var.subnet_ids

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

  name                = module.data.name
  portal_log_group    = module.containers.portal_log_group
  worker_log_group    = module.containers.worker_log_group
  load_balancer_names = module.containers.load_balancer_names
  http_api_ids        = module.containers.http_api_ids
  trail               = local.trail
  alarm_email         = var.alarm_email
}
