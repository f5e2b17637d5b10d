/** The defaults of the broker, each with its unit and its reason. They are nats-server's own unless the comment says otherwise. */

/** IANA has registered 4222/tcp for NATS. */
export const DEFAULT_PORT = 4222

/** Only programs of this machine may join unless the operator says otherwise. Differs from nats-server (0.0.0.0). */
export const DEFAULT_HOST = '127.0.0.1'

/** Bytes of one message, headers included: a bus carries messages, not files. Told to clients in INFO. */
export const DEFAULT_MAX_PAYLOAD_IN_BYTES = 1024 * 1024

/** Bytes of the arguments of one operation: what a client that never ends its line can make the broker hold. */
export const DEFAULT_MAX_CONTROL_LINE_IN_BYTES = 4096

/** Bytes to which that may be set: the subject tree is as deep as a subject has tokens and is walked by recursion. */
export const MOST_CONTROL_LINE_IN_BYTES = 8192

/** Connections at the same time; the operating system's file limit is usually reached earlier. */
export const DEFAULT_MAX_CONNECTIONS = 65_536

/** Bytes that may wait for one slow reader before it is disconnected, so that it can't take the broker's memory. */
export const DEFAULT_MAX_PENDING_IN_BYTES = 64 * 1024 * 1024

/** Seconds in which a blocked reader must take something, else it is disconnected. */
export const DEFAULT_WRITE_DEADLINE_IN_SECONDS = 10

/** Seconds between the broker's PINGs to a connection that says nothing by itself. */
export const DEFAULT_PING_INTERVAL_IN_SECONDS = 120

/** PINGs without an answer after which a connection is stale. */
export const DEFAULT_MAX_UNANSWERED_PINGS = 2

/** Seconds that a new connection has for its CONNECT when the broker asks for a user and a password. */
export const DEFAULT_AUTH_TIMEOUT_IN_SECONDS = 2

/**
 * `version` in INFO. Clients switch features on by comparing it with versions of nats-server, so it names the nats-server whose
 * core protocol the broker speaks (the conformance suite compares the two), not the version of this package.
 */
export const SPOKEN_SERVER_VERSION = '2.9.10'

/** `proto` in INFO: 1 means that the server may send INFO again. Clients ask for 0 or 1. */
export const PROTOCOL_VERSION = 1

/** Milliseconds that a connection being closed has to take its last bytes (such as `-ERR`) before its socket is destroyed. */
export const CLOSE_LINGER_IN_MS = 1000

/**
 * Milliseconds for which a publisher is not read at most, each time it publishes to a subscriber that has three quarters of its
 * allowance pending. Long enough for a subscriber that is only behind; short, because all else that the publisher says waits too.
 */
export const LONGEST_PUBLISHER_STALL_IN_MS = 100

/** Milliseconds between two looks whether that subscriber has caught up. */
export const PUBLISHER_STALL_CHECK_IN_MS = 5

/** Part of the pending allowance from which publishers are slowed down, so that a burst does not cost a subscriber its connection. */
export const STALL_FROM_FRACTION_PENDING = 0.75

/** Bytes of a connection's first output buffer: enough for INFO and a few small messages. */
export const FIRST_OUTPUT_BUFFER_IN_BYTES = 1024

/** Bytes to which an output buffer may grow: what one write hands to the kernel at a time; also the size of Node's socket reads. */
export const LARGEST_OUTPUT_BUFFER_IN_BYTES = 64 * 1024

/**
 * Bytes from which a payload goes to the socket by reference: below, copying into the output buffer is cheaper than another write.
 * At least half a socket read, so that a payload that waits for a slow reader keeps no more than twice its size in memory.
 */
export const PAYLOAD_BY_REFERENCE_FROM_BYTES = 32 * 1024

/** Entries of the cache from published subject to subscriptions; a power of two. One entry is small, so this is about 1 MiB when full. */
export const MATCH_CACHE_SLOTS = 4096

/** Bytes of the longest subject that is cached, which bounds the cache's memory. */
export const MATCH_CACHE_LONGEST_SUBJECT_IN_BYTES = 256
