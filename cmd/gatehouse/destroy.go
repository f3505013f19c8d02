package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/gatehouse-portal/gatehouse/deploy/stacks"
)

type destroyCommand struct {
	output
	Region    string `placeholder:"REGION" help:"The portal's Region. The default is that of the AWS SDK's own settings, such as AWS_REGION."`
	Stack     string `required:"" placeholder:"NAME" help:"The portal's name."`
	Unchecked bool   `help:"Continue although IAM reports missing permissions, as it does when policies allow them for single resources only."`
	KeepData  bool   `help:"Keep the tables, queues, KMS key and user pool. gatehouse deploy brings the portal back."`
	Yes       string `placeholder:"NAME" help:"The portal's name once more, instead of typing it when asked."`
}

func (destroyCommand) Help() string {
	return "Stops the workers and waits until none of them has a message. Then it deletes the stack that runs them and the portal, the API keys, and the other stacks, programs and data. Everybody's keys stop working. The KMS key is deleted after 30 days. If it is interrupted, run it again: it goes on."
}

func (c destroyCommand) Validate() error {
	if err := stacks.CheckName(c.Stack); err != nil && c.Stack != "" {
		return usageError("--stack: " + err.Error())
	}
	if c.Stack != "" && c.Yes != "" && c.Yes != c.Stack {
		return usageError(fmt.Sprintf("--yes %s differs from --stack %s", c.Yes, c.Stack))
	}
	return nil
}

func (c destroyCommand) Run(ctx context.Context) error {
	d, err := deployer(ctx, c.Region)
	if err != nil {
		return err
	}
	d.Unchecked = c.Unchecked
	q, done := newQuestions(), destroyedJSON{}
	err = d.Destroy(ctx, c.Stack, c.KeepData, func(what stacks.Destruction) (bool, error) {
		done.Destruction = what
		if !q.terminal && c.Yes == "" {
			return false, usageError("there is no terminal to ask: add --yes " + c.Stack)
		}
		tell(os.Stderr, destruction(what))
		if c.Yes != "" {
			return true, nil
		}
		return q.typed(ctx, "Type the portal's name to delete it", c.Stack)
	})
	if errors.Is(err, stacks.ErrDeclined) {
		tell(os.Stderr, "Nothing was changed.")
		return c.print(os.Stdout, done, func(io.Writer) {})
	}
	if err != nil {
		return interrupted(err)
	}
	done.Deleted = true
	tell(os.Stderr, "Done. The log groups stay: aws logs describe-log-groups --region "+done.Region+" --log-group-name-prefix "+c.Stack+"-")
	return c.print(os.Stdout, done, func(io.Writer) {})
}

// destroyedJSON is what was deleted, or would have been if the operator had agreed.
type destroyedJSON struct {
	stacks.Destruction
	Deleted bool `json:"deleted"`
}

func destruction(what stacks.Destruction) string {
	text := fmt.Sprintf("AWS account %s, Region %s: this deletes the stacks %s, and the portal's API keys.", what.Account, what.Region, strings.Join(what.Stacks, ", "))
	if what.KeepsData {
		return text + " Tables, queues, KMS key and user pool stay."
	}
	return text + " It also deletes the tables with all accounts, and the user pool with all people. Nothing can restore them. KMS deletes the key after 30 days."
}
