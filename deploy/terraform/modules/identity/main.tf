data "aws_caller_identity" "here" {}

data "aws_partition" "here" {}

data "aws_region" "here" {}

locals {
  region       = data.aws_region.here.name
  domain       = var.domain_prefix == "" ? "${var.name}-${data.aws_caller_identity.here.account_id}" : var.domain_prefix
  login        = "https://${aws_cognito_user_pool_domain.pages.domain}.auth.${local.region}.amazoncognito.com"
  mail_warning = "Without ses_identity_arn, Cognito sends about 50 mails a day. The people after those get no code and cannot sign up."
}

resource "aws_cognito_user_pool" "people" {
  name                     = var.name
  user_pool_tier           = "ESSENTIALS"
  deletion_protection      = var.protect ? "ACTIVE" : "INACTIVE"
  username_attributes      = ["email"]
  auto_verified_attributes = ["email"]

  username_configuration {
    case_sensitive = false
  }

  user_attribute_update_settings {
    attributes_require_verification_before_update = ["email"]
  }

  account_recovery_setting {
    recovery_mechanism {
      name     = "verified_email"
      priority = 1
    }
  }

  admin_create_user_config {
    allow_admin_create_user_only = !var.self_sign_up
  }

  password_policy {
    minimum_length                   = 12
    require_lowercase                = true
    require_uppercase                = true
    require_numbers                  = true
    require_symbols                  = false
    temporary_password_validity_days = 7
  }

  email_configuration {
    email_sending_account = var.ses_identity_arn == "" ? "COGNITO_DEFAULT" : "DEVELOPER"
    source_arn            = var.ses_identity_arn == "" ? null : var.ses_identity_arn
    from_email_address    = var.ses_identity_arn == "" ? null : var.mail_from
  }

  lifecycle {
    precondition {
      condition     = (var.ses_identity_arn == "") == (var.mail_from == "")
      error_message = "ses_identity_arn and mail_from need each other."
    }
  }
}

# The portal proves by PKCE that a sign-in is its own, so there is no secret to keep.
resource "aws_cognito_user_pool_client" "portal" {
  user_pool_id                         = aws_cognito_user_pool.people.id
  name                                 = var.name
  generate_secret                      = false
  allowed_oauth_flows_user_pool_client = true
  allowed_oauth_flows                  = ["code"]
  allowed_oauth_scopes                 = ["openid", "email", "profile"]
  supported_identity_providers         = ["COGNITO"]
  callback_urls                        = ["https://${var.domain_name}/sign-in/callback"]
  logout_urls                          = ["https://${var.domain_name}/"]
  explicit_auth_flows                  = ["ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"]
  prevent_user_existence_errors        = "ENABLED"
  enable_token_revocation              = true
}

# Managed login shows no page for a client without a style, which this version of the provider cannot make. The older
# pages need none.
resource "aws_cognito_user_pool_domain" "pages" {
  user_pool_id          = aws_cognito_user_pool.people.id
  domain                = local.domain
  managed_login_version = 1
}

resource "aws_cognito_user_group" "admins" {
  user_pool_id = aws_cognito_user_pool.people.id
  name         = var.admin_group
  description  = "Admins of the portal"
}

resource "aws_cognito_user" "first_admin" {
  count = var.admin_email == "" ? 0 : 1

  user_pool_id             = aws_cognito_user_pool.people.id
  username                 = var.admin_email
  desired_delivery_mediums = ["EMAIL"]

  attributes = {
    email          = var.admin_email
    email_verified = "true"
  }
}

resource "aws_cognito_user_in_group" "first_admin" {
  count = var.admin_email == "" ? 0 : 1

  user_pool_id = aws_cognito_user_pool.people.id
  group_name   = aws_cognito_user_group.admins.name
  username     = aws_cognito_user.first_admin[0].username
}
