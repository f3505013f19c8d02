output "portal_policy_arns" {
  description = "The policies for roles of the portal."
  value       = [aws_iam_policy.portal.arn]
}

output "worker_policy_arns" {
  description = "The policies for roles of workers."
  value       = [aws_iam_policy.worker.arn, aws_iam_policy.control_plane.arn]
}
