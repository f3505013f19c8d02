output "trail_rule_name" {
  description = "The rule of the default event bus. What takes this output waits for the queues, too."
  value       = aws_cloudwatch_event_rule.trail.name

  # AWS Lambda refuses a queue that does not exist yet, and a worker ends if it finds none.
  depends_on = [aws_sqs_queue.trail, aws_sqs_queue.dead_letter]
}
