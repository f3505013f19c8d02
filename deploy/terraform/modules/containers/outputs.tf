output "address" {
  description = "The portal."
  value       = local.base_url
}

output "dns_target" {
  description = "Where the record of the host name must point, unless hosted_zone_id is set."
  value       = local.small ? aws_apigatewayv2_domain_name.portal[0].domain_name_configuration[0].target_domain_name : aws_lb.portal[0].dns_name
}

output "key_users" {
  description = "The roles that compute API keys, for the variable key_users of the module data."
  value       = concat(aws_iam_role.portal[*].arn, aws_iam_role.worker[*].arn, aws_iam_role.small[*].arn)
}

output "portal_log_group" {
  description = "The log group of portals, for the module operations."
  value       = aws_cloudwatch_log_group.portal.name
}

output "worker_log_group" {
  description = "The log group of workers, for the module operations."
  value       = aws_cloudwatch_log_group.worker.name
}

output "load_balancer_arn" {
  description = "The load balancer, for the stack of cdn.yaml. Empty in the small size."
  value       = local.small ? "" : aws_lb.portal[0].arn
}

output "load_balancer_names" {
  description = "The load balancer, for the module operations. None in the small size."
  value       = aws_lb.portal[*].arn_suffix
}

output "http_api_ids" {
  description = "The HTTP API, for the module operations. None in the standard size."
  value       = aws_apigatewayv2_api.portal[*].id
}
