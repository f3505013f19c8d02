package sqs

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
)

var permissibleActions = []string{
	"*", "SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes", "GetQueueUrl",
	"ListDeadLetterSourceQueues", "PurgeQueue",
}

const maxStatementActions = 7

var accountForm = regexp.MustCompile(`^[0-9]{12}$`)

type addPermissionIn struct {
	QueueURL      string   `json:"QueueUrl"`
	Label         string   `json:"Label"`
	AWSAccountIDs []string `json:"AWSAccountIds"`
	Actions       []string
}

// addPermission is only for accounts. To allow a service, like SNS, use SetQueueAttributes.
func (s *Service) addPermission(ctx context.Context, in *addPermissionIn) (*nothing, error) {
	switch {
	case !validName(in.Label) || len(in.Label) > 80:
		return nil, invalidValue(in.Label, "Label", "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.")
	case len(in.AWSAccountIDs) == 0:
		return nil, missingParameter("AWSAccountIds")
	case len(in.Actions) == 0:
		return nil, missingParameter("Actions")
	case len(in.Actions) > maxStatementActions:
		return nil, plainRefusal("OverLimit", "%d Actions were found, maximum allowed is %d.", len(in.Actions), maxStatementActions)
	}
	var accounts, actions []string
	for _, id := range in.AWSAccountIDs {
		if !accountForm.MatchString(id) {
			return nil, invalidValue(id, "PrincipalId", "Unable to verify.")
		}
		accounts = append(accounts, "arn:aws:iam::"+id+":root")
	}
	for _, action := range in.Actions {
		if !slices.Contains(permissibleActions, action) {
			return nil, invalidValue("SQS:"+action, "ActionName", "Please refer to the appropriate WSDL for a list of valid actions.")
		}
		actions = append(actions, "SQS:"+action)
	}
	return s.changePolicy(ctx, in.QueueURL, func(q *queue, statements []any) ([]any, error) {
		if slices.ContainsFunc(statements, labelled(in.Label)) {
			return nil, invalidValue(in.Label, "Label", "Already exists.")
		}
		return append(statements, map[string]any{
			"Sid": in.Label, "Effect": "Allow", "Principal": map[string]any{"AWS": oneOrAll(accounts)}, "Action": oneOrAll(actions), "Resource": q.arn,
		}), nil
	})
}

func oneOrAll(texts []string) any {
	if len(texts) == 1 {
		return texts[0]
	}
	return texts
}

type removePermissionIn struct {
	QueueURL string `json:"QueueUrl"`
	Label    string
}

func (s *Service) removePermission(ctx context.Context, in *removePermissionIn) (*nothing, error) {
	return s.changePolicy(ctx, in.QueueURL, func(_ *queue, statements []any) ([]any, error) {
		if !slices.ContainsFunc(statements, labelled(in.Label)) {
			return nil, invalidValue(in.Label, "Label", "can't find label on existing policy.")
		}
		return slices.DeleteFunc(statements, labelled(in.Label)), nil
	})
}

func labelled(label string) func(any) bool {
	return func(statement any) bool {
		members, _ := statement.(map[string]any)
		return members["Sid"] == label
	}
}

// changePolicy replaces the policy's statements. A queue without statements has no policy.
func (s *Service) changePolicy(ctx context.Context, queueURL string, change func(*queue, []any) ([]any, error)) (*nothing, error) {
	return &nothing{}, s.engine.do(func(r *round) error {
		q, err := r.queues.byURL(s.by(ctx, "AddPermission"), queueURL)
		if err != nil {
			return err
		}
		document := map[string]any{"Version": "2008-10-17", "Id": q.arn + "/SQSDefaultPolicy"}
		if q.Policy != "" {
			if err := json.Unmarshal([]byte(q.Policy), &document); err != nil {
				return err
			}
		}
		statements, isList := document["Statement"].([]any)
		if one, given := document["Statement"]; given && !isList {
			statements = []any{one}
		}
		if statements, err = change(q, statements); err != nil {
			return err
		}
		value := ""
		if len(statements) > 0 {
			document["Statement"] = statements
			value = mustJSON(document)
		}
		changed, err := q.settings.with(map[string]string{"Policy": value})
		if err != nil {
			return err
		}
		changed.Modified = r.now
		q.settings = changed
		r.putSettings(q)
		return nil
	})
}
