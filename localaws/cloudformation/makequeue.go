package cloudformation

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func (m maker) queues() *sqs.Client { return sqs.NewFromConfig(m.cfg) }

// queue refuses an existing queue, which SQS itself would return.
func (m maker) queue(properties map[string]any) (string, map[string]string, error) {
	name := m.generatedName()
	if _, err := take(properties, "QueueName", &name); err != nil {
		return "", nil, err
	}
	if _, err := m.queues().GetQueueUrl(m.ctx, &sqs.GetQueueUrlInput{QueueName: &name}); err == nil {
		return "", nil, m.exists(name)
	}
	out, err := m.queues().CreateQueue(m.ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: texts(properties)})
	if err != nil {
		return "", nil, err
	}
	url := aws.ToString(out.QueueUrl)
	is, err := m.queues().GetQueueAttributes(m.ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"QueueArn"}})
	if err != nil {
		return url, nil, err
	}
	return url, map[string]string{"Arn": is.Attributes["QueueArn"], "QueueName": name, "QueueUrl": url}, nil
}

func (m maker) changeQueue(id string, want, _ map[string]any) error {
	delete(want, "QueueName")
	delete(want, "FifoQueue")
	return m.setQueue(id, texts(want))
}

func (m maker) setQueue(url string, attributes map[string]string) error {
	_, err := m.queues().SetQueueAttributes(m.ctx, &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: attributes})
	return err
}

func (m maker) removeQueue(id string, _ map[string]any) error {
	_, err := m.queues().DeleteQueue(m.ctx, &sqs.DeleteQueueInput{QueueUrl: &id})
	return unlessMissing(err, "NonExistentQueue", "QueueDoesNotExist")
}

func (m maker) queuePolicy(properties map[string]any) (string, map[string]string, error) {
	id := m.generatedName()
	return id, nil, m.changeQueuePolicy(id, properties, nil)
}

func (m maker) changeQueuePolicy(_ string, want, _ map[string]any) error {
	return m.setPolicies(want, document(want["PolicyDocument"]))
}

func (m maker) setPolicies(properties map[string]any, policy string) error {
	var queues []string
	if err := decode(properties["Queues"], &queues); err != nil {
		return err
	}
	for _, url := range queues {
		if err := m.setQueue(url, map[string]string{"Policy": policy}); err != nil {
			return err
		}
	}
	return nil
}

func (m maker) removeQueuePolicy(_ string, properties map[string]any) error {
	return unlessMissing(m.setPolicies(properties, ""), "NonExistentQueue", "QueueDoesNotExist")
}
