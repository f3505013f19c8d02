// Package notices tells people what concerns them: on the dashboard, by e-mail, and by webhooks
// that they register.
//
// A fact becomes a notice, and one delivery for each channel that it goes to. The rows are written
// in one transaction, under ids that follow from the fact, so a fact that arrives ten times makes
// one notice and one delivery per channel. A delivery is sent by the worker that gets a
// DeliveryRequested about it, and the due row beside it repeats that message until the delivery has
// an outcome.
//
//	fact --> Notifier --> notice, deliveries, due rows --> Deliverer --> e-mail, webhook
//	                                        ^---- job due ----^
//
// States of a delivery:
//
//	pending --> delivered
//	   |------> failed      for good, or after the last try
//	   '------> held        its webhook is paused
//
// From every end a person can ask for it again. Then it is pending.
package notices
