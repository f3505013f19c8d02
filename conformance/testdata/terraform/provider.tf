# The configurations hold what people describe with Terraform around Gatehouse. Each has two
# editions, so that every resource is created, changed and destroyed. This file is part of each.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" { type = string }

variable "edition" {
  type    = string
  default = "first"
}

locals {
  second = var.edition == "second"
}

provider "aws" {
  region                      = "us-east-1"
  access_key                  = "local"
  secret_key                  = "local"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  skip_region_validation      = true

  endpoints {
    apigateway = var.endpoint
    cognitoidp = var.endpoint
    dynamodb   = var.endpoint
    kms        = var.endpoint
    sns        = var.endpoint
    sqs        = var.endpoint
  }
}
