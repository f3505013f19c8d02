output "address" {
  description = "The portal."
  value       = local.base_url
}

output "host_name" {
  description = "The portal's host name, for the variable domain_name of the module identity."
  value       = local.host_name
}

output "dns_target" {
  description = "Where the record of the host name must point, unless hosted_zone_id is set. Empty without domain_name."
  value       = local.own_domain ? aws_apigatewayv2_domain_name.portal[0].domain_name_configuration[0].target_domain_name : ""
}

output "key_users" {
  description = "The roles that compute API keys, for the variable key_users of the module data."
  value       = [aws_iam_role.portal.arn, aws_iam_role.worker.arn]
}

output "portal_log_group" {
  description = "The log group of the portal, for the module operations."
  value       = aws_cloudwatch_log_group.portal.name
}

output "worker_log_group" {
  description = "The log group of workers, for the module operations."
  value       = aws_cloudwatch_log_group.worker.name
}

output "worker_function_name" {
  description = "The workers' function, for the module operations."
  value       = aws_lambda_function.worker.function_name
}

output "http_api_ids" {
  description = "The HTTP API, for the module operations."
  value       = [aws_apigatewayv2_api.portal.id]
}
