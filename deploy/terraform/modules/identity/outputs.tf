output "oidc_issuer" {
  description = "The issuer of the pool's tokens."
  value       = "https://cognito-idp.${local.region}.${data.aws_partition.here.dns_suffix}/${aws_cognito_user_pool.people.id}"
}

output "oidc_client_id" {
  description = "The portal's client in the pool."
  value       = aws_cognito_user_pool_client.portal.id
}

output "oidc_sign_up_url" {
  description = "The sign-up page."
  value       = "${local.login}/signup"
}

output "oidc_sign_out_url" {
  description = "Where signing out leads."
  value       = "${local.login}/logout?client_id={client_id}&logout_uri={return_url}"
}

output "admin_group" {
  description = "The group whose members are admins of the portal."
  value       = aws_cognito_user_group.admins.name
}

output "mail_warning" {
  description = "Whether the pool can send enough mail. Empty if it can."
  value       = var.ses_identity_arn == "" ? local.mail_warning : ""
}
