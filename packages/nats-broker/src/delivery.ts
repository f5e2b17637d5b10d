import type { Connection } from './connection.ts'
import type { CachedSublist } from './match-cache.ts'
import type { Publication } from './publication.ts'
import type { BrokerStatistics } from './statistics.ts'
import type { Subscription } from './subscription.ts'

/**
 * Passes one message to everyone who shall have it: all plain subscriptions, and one member of each queue group.
 * Tells the publisher when nobody got it and it wants to know.
 */
export function deliver(
  publisher: Connection,
  publication: Publication,
  subscriptions: CachedSublist<Subscription>,
  statistics: BrokerStatistics,
): void {
  statistics.messagesIn++
  statistics.bytesIn += publication.totalSize
  const match = subscriptions.match(publication.line, publication.subjectStart, publication.subjectEnd)
  let deliveries = 0
  for (const subscription of match.plain) if (deliverTo(subscription, publisher, publication)) deliveries++
  for (const group of match.groups) if (deliverToOne(group, publisher, publication)) deliveries++
  statistics.messagesOut += deliveries
  statistics.bytesOut += deliveries * publication.totalSize
  if (deliveries === 0 && publisher.options.noResponders && publication.hasReply)
    tellNobodyResponds(publisher, publication, subscriptions)
}

/** A random member first; the others in turn if it can't have the message. */
function deliverToOne(group: readonly Subscription[], publisher: Connection, publication: Publication): boolean {
  const first = Math.floor(Math.random() * group.length)
  for (let i = 0; i < group.length; i++) {
    const member = group[(first + i) % group.length]
    if (member && deliverTo(member, publisher, publication)) return true
  }
  return false
}

function deliverTo(subscription: Subscription, publisher: Connection, publication: Publication): boolean {
  const { connection } = subscription
  if (subscription.ended || (connection === publisher && !publisher.options.echo)) return false
  subscription.delivered++
  connection.send(publication, subscription.sidBytes)
  if (subscription.max !== undefined && subscription.delivered >= subscription.max) connection.end(subscription)
  if (connection.isCongested) publisher.stall(connection)
  return true
}

const NO_RESPONDERS = 'NATS/1.0 503\r\n\r\n'

/**
 * Sends a message that is only a 503 status to the first of the publisher's own subscriptions that takes its reply subject.
 * It does not count towards that subscription's maximum. Source: nats-server server/client.go, subForReply.
 */
function tellNobodyResponds(
  publisher: Connection,
  publication: Publication,
  subscriptions: CachedSublist<Subscription>,
): void {
  const { plain } = subscriptions.match(publication.line, publication.replyStart, publication.replyEnd)
  const inbox = plain.find((subscription) => subscription.connection === publisher)
  if (!inbox) return
  const size = NO_RESPONDERS.length
  publisher.write(`HMSG ${publication.reply()} ${inbox.sid} ${size} ${size}\r\n${NO_RESPONDERS}\r\n`)
}
