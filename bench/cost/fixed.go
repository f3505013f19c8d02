package main

import (
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/gatehouse-portal/gatehouse/deploy"
	"github.com/gatehouse-portal/gatehouse/deploy/template"
	"github.com/gatehouse-portal/gatehouse/emf"
)

// hoursOfMonth is how many hours AWS's own examples give a month.
const hoursOfMonth = 730

// A poll of an empty queue takes 20 seconds. AWS Lambda polls with five pollers; without a maximum
// concurrency it goes down to two while the queue is empty (AWS Lambda Developer Guide, "Using Lambda with
// Amazon SQS"; third parties report the two).
const (
	pollsOfHour = 3600 / 20
	mostPollers = 5
	fewPollers  = 2
)

func resolve(name string, parameters map[string]string) (*template.Resolved, error) {
	text, err := deploy.Templates.ReadFile("cloudformation/" + name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("reading a template: %w", err)
	}
	t, err := template.Parse(text)
	if err != nil {
		return nil, err
	}
	const key = "arn:aws:kms:us-east-1:111122223333:key/mrk-0123456789abcdef0123456789abcdef"
	all := map[string]string{
		"DataStack": "acme", "KmsKeyArn": key, "PortalPolicyArns": "p", "WorkerPolicyArns": "w", "Image": "image", "DomainName": "portal.example.com",
		"CertificateArn": "arn:aws:acm:us-east-1:111122223333:certificate/1", "VpcId": "vpc-1", "SubnetIds": "subnet-1,subnet-2",
		"OidcIssuer": "https://login.example.com", "OidcClientId": "client", "CodeBucket": "code", "CodeKey": "zip", "PortalLogGroup": "portal", "WorkerLogGroup": "worker",
	}
	given := map[string]string{}
	for parameter := range t.Parameters {
		if value, ok := all[parameter]; ok {
			given[parameter] = value
		}
	}
	maps.Copy(given, parameters)
	return t.Resolve(template.Stack{Name: "acme-" + name, Account: "111122223333", Region: "us-east-1", Parameters: given})
}

// lambdaHour is what AWS bills for an hour on AWS Lambda in which nothing happens, without the worker's
// own work.
func lambdaHour() (counts, error) {
	r, err := resolve("lambda", nil)
	if err != nil {
		return nil, err
	}
	sum := counts{}
	for _, source := range r.Named("AWS::Lambda::EventSourceMapping") {
		properties, err := r.Properties(source)
		if err != nil {
			return nil, err
		}
		pollers := fewPollers
		if properties["ScalingConfig"] != nil {
			pollers = mostPollers
		}
		sum[queuePrice(fmt.Sprint(properties["EventSourceArn"]))] += float64(pollers * pollsOfHour)
	}
	return sum, nil
}

func queuePrice(name string) string {
	if strings.HasSuffix(name, ".fifo") {
		return "sqs_fifo"
	}
	return "sqs_standard"
}

// containersHour is the same for containers: tasks, their addresses, and what is in front of them.
func containersHour(size string) (counts, error) {
	r, err := resolve("containers", map[string]string{"Size": size})
	if err != nil {
		return nil, err
	}
	sum := counts{}
	tasks := 0.0
	for _, task := range r.Named("AWS::ECS::TaskDefinition") {
		properties, err := r.Properties(task)
		if err != nil {
			return nil, err
		}
		n := 1.0
		if size == "standard" && task == "PortalTask" {
			n = 2 // the default of MinPortals
		}
		cpu, _ := strconv.ParseFloat(fmt.Sprint(properties["Cpu"]), 64)
		memory, _ := strconv.ParseFloat(fmt.Sprint(properties["Memory"]), 64)
		tasks += n
		sum = sum.plus(counts{"fargate_cpu": cpu / 1024, "fargate_memory": memory / 1024, "ipv4": 1}, n)
	}
	if len(r.Named("AWS::ElasticLoadBalancingV2::LoadBalancer")) > 0 {
		sum["load_balancer"], sum["load_balancer_unit"] = 1, 0.1
		sum["ipv4"] += 2 // one in each subnet
	} else {
		sum["cloud_map"] = tasks / hoursOfMonth
	}
	return sum, nil
}

// month is what AWS bills once a month: the KMS key, and what the operations stack watches.
func month(workers string) (counts, error) {
	parameters := map[string]string{}
	own := 0
	switch workers {
	case "lambda":
		parameters["HttpApiId"], parameters["WorkerFunctionName"] = "id", "worker"
		own = len(emf.All())
	case "small":
		parameters["HttpApiId"] = "id"
	case "standard":
		parameters["LoadBalancerName"] = "app/acme/0123456789abcdef"
	}
	r, err := resolve("operations", parameters)
	if err != nil {
		return nil, err
	}
	sum := counts{"kms_key": 1, "metric": float64(len(r.Named("AWS::Logs::MetricFilter")) + own)}
	for _, alarm := range r.Named("AWS::CloudWatch::Alarm") {
		properties, err := r.Properties(alarm)
		if err != nil {
			return nil, err
		}
		watched := 1
		if list, ok := properties["Metrics"].([]any); ok {
			watched = len(list) - 1 // the expression is none
		}
		sum["alarm"] += float64(watched)
	}
	return sum, nil
}
