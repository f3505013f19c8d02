# The notices of AWS Marketplace, if this AWS account sells plans there. AWS sends them in us-east-1. If another AWS
# account is the seller, call the module with a provider for that account, give its topics and its number here, and give
# marketplace_role_arn to permissions and to the module that runs the portal.

provider "aws" {
  alias  = "marketplace"
  region = "us-east-1"
}

module "marketplace" {
  source = "../modules/marketplace"
  count  = var.sell ? 1 : 0

  name                  = var.name
  marketplace_queue_arn = module.data.marketplace_queue_arn
  alarm_email           = var.alarm_email

  providers = {
    aws = aws.marketplace
  }
}

locals {
  marketplace_topics   = flatten(module.marketplace[*].marketplace_topics)
  marketplace_accounts = flatten(module.marketplace[*].marketplace_accounts)
}
