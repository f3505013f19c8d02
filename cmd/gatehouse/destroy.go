package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/gatehouse-portal/gatehouse/deploy/stacks"
)

type destroyCommand struct {
	Region    string `placeholder:"REGION" help:"The portal's Region. Without it, AWS's own configuration counts, such as AWS_REGION."`
	Stack     string `required:"" placeholder:"NAME" help:"The portal's name."`
	Unchecked bool   `help:"Go on although IAM says that permissions are missing, such as if policies allow them for single resources only."`
	KeepData  bool   `help:"Keep the tables, queues, KMS key and user pool. gatehouse deploy brings the portal back."`
	Yes       string `placeholder:"NAME" help:"The portal's name once more, instead of typing it when asked."`
}

func (destroyCommand) Help() string {
	return "Stops the workers and waits until none of them has a message. Then it deletes the stack that runs them and the portal, the API keys, and the other stacks, programs and data. Everybody's keys stop working. The KMS key is deleted after 30 days. If it is interrupted, run it again: it goes on."
}

func (c destroyCommand) Validate() error {
	if err := stacks.CheckName(c.Stack); err != nil && c.Stack != "" {
		return usage("--stack: " + err.Error())
	}
	if c.Yes != "" && c.Yes != c.Stack {
		return usage(fmt.Sprintf("--yes %s is another name than --stack %s", c.Yes, c.Stack))
	}
	return nil
}

func (c destroyCommand) Run(ctx context.Context) error {
	d, err := deployer(ctx, c.Region)
	if err != nil {
		return err
	}
	d.Unchecked = c.Unchecked
	q := newQuestions()
	err = d.Destroy(ctx, c.Stack, c.KeepData, func(what stacks.Destruction) (bool, error) {
		if !q.terminal && c.Yes == "" {
			return false, usage("there is no terminal to ask: add --yes " + c.Stack)
		}
		tell(os.Stderr, destruction(what))
		if c.Yes != "" {
			return true, nil
		}
		return q.typed(ctx, "Type the portal's name to delete it", c.Stack)
	})
	if errors.Is(err, stacks.ErrDeclined) {
		tell(os.Stderr, "Nothing was changed.")
		return nil
	}
	if err == nil {
		tell(os.Stderr, "Done. The log groups stay: aws logs describe-log-groups --log-group-name-prefix "+c.Stack+"-")
	}
	return interrupted(err)
}

func destruction(what stacks.Destruction) string {
	text := fmt.Sprintf("AWS account %s, Region %s: this deletes the stacks %s, and the portal's API keys.", what.Account, what.Region, strings.Join(what.Stacks, ", "))
	if what.KeepsData {
		return text + " Tables, queues, KMS key and user pool stay."
	}
	return text + " It also deletes the tables with all accounts, and the user pool with all people. Nothing can restore them. KMS deletes the key after 30 days."
}
