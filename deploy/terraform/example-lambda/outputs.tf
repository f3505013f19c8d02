output "address" {
  description = "The portal."
  value       = module.lambda.address
}

output "dns_target" {
  description = "Where the record of the host name must point, unless hosted_zone_id is set. Empty without domain_name."
  value       = module.lambda.dns_target
}

output "oidc_issuer" {
  description = "The issuer of the pool's tokens, which gatehouse doctor needs."
  value       = module.identity.oidc_issuer
}

output "oidc_client_id" {
  description = "The portal's client in the pool, which gatehouse doctor needs."
  value       = module.identity.oidc_client_id
}

output "key_users" {
  description = "The roles that compute API keys, for the variable key_users."
  value       = module.lambda.key_users
}

output "kms_key_arn" {
  description = "The KMS key from which the values of API keys follow."
  value       = module.data.kms_key_arn
}

output "feedback_topic_arn" {
  description = "The topic of what people tell the operator."
  value       = module.data.feedback_topic_arn
}

output "mail_warning" {
  description = "Whether the pool can send enough mail."
  value       = module.identity.mail_warning
}

output "alarms_topic_arn" {
  description = "The topic that alarms are sent to."
  value       = module.operations.alarms_topic_arn
}

output "worker_log_group" {
  description = "The log group of workers."
  value       = module.lambda.worker_log_group
}
