// Package notices tells people what concerns them: on the dashboard, by e-mail, and by webhooks
// that they register.
//
// A fact becomes a notice, and one delivery for each channel. One transaction writes the rows,
// under ids that follow from the fact, so a fact that arrives ten times makes them once. The
// worker that gets a DeliveryRequested sends the delivery. Its due row repeats that message until
// there is an outcome.
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
// In any of the last three, a person can ask for it again; then it is pending.
package notices
