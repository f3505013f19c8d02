package main

const pageHead = `# What it costs

` + "`make cost`" + ` writes this page. It counts what AWS would bill for each thing that people and jobs do, on the local AWS,
and multiplies it by the prices in [bench/cost/prices.yaml](../bench/cost/prices.yaml), which were written down on %s.
Nobody has compared them with a bill, so check the prices at the sources below. Figures are dollars a month in
us-east-1, before taxes.

`

const assumptions = `
An account of the table is new in the month: its owner signs up, subscribes to a plan, looks at the dashboard %d times
and at %d pages. It stays, and jobs compare it with API Gateway every hour. 100,000 accounts with a key each need ten
AWS accounts for their APIs, since API Gateway holds at most 10,000 keys in one; their portals cost more together than
one does here.

"Containers" have one worker and, in the standard size, two portals. The last row may need more of them.
Traffic out of AWS, mail, Route 53, the tables' storage, and the APIs themselves are left out. AWS gives each AWS account
some of most things free each month. The figures are without these, as if the portal had them for itself.

The predecessor is the AWS Serverless Developer Portal. Its column is an estimate from its code: it was not run.
It has no queues, jobs or alarms, so it costs next to nothing while idle. It does not find lost work again.
`

const savings = `
If your bill must be smaller:

- AWS Lambda polls each of the 14 queues all the time, and SQS bills the polls. Without ` + "`ScalingConfig`" + ` a source polls
  less while its queue is empty. Take it off ` + "`lambda.yaml`" + ` if your AWS account can run many functions at once.
- With ` + "`" + `--trail` + "`" + ` there are 16 queues, and alarms with two more metrics. Events of AWS services cost nothing on the default bus, and each that arrives costs a
  few requests to SQS and DynamoDB. CloudTrail's first copy of management events in a Region is free but for its space in S3.
- Each metric of an alarm beyond the first ten costs $0.10. *DeadLetterQueuesFill* has seven; *NoTicks* also fires if no
  worker runs.
- ` + "`Metrics=none`" + ` saves five metrics, which cost $0.30 each if your AWS account has ten others.
- Without the operations stack, nobody tells you when something is wrong, and CloudWatch costs almost nothing.
`

const countedHead = `
## What was counted

Means of one thing each. SQS counts requests without the polls of empty queues. DynamoDB counts request units, rounded up,
since the local AWS's answers in JSON are larger than what DynamoDB counts. The dashboard is three requests of the JSON
API. The last two columns are invocations of the functions; each is assumed to take 10 ms, and 10 ms more for each
request to AWS.

`

const whatIsLarge = `
Most of what an account costs DynamoDB is written when its owner signs up: facts, the operations' steps, views and due rows,
most of them in transactions, which count twice. The hourly sweep reads each account, so its cost grows with all of them.
With 100,000 people, Cognito costs more than all the rest.
`
