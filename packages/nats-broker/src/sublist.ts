import { ANY_TOKEN, ANY_TOKENS } from './subject.ts'

/** What the tree holds; the broker's subscriptions are larger, tests use their own. */
export interface Entry {
  readonly subject: string
  /** Each message goes to one member of a queue group. */
  readonly queue: string | undefined
}

/** Who gets a message: every one of `plain`, and one of each of `groups`. Never changed once made, so it can be walked and cached. */
export interface Match<E extends Entry> {
  readonly plain: readonly E[]
  readonly groups: readonly (readonly E[])[]
}

interface Node<E> {
  readonly children: Map<string, Node<E>>
  /** Subscriptions whose last token this is, by queue group; those without a group under `NO_GROUP`. */
  readonly members: Map<string, Set<E>>
}

/** No group can have this name, since the protocol separates names with blanks. */
const NO_GROUP = ''

const newNode = <E>(): Node<E> => ({ children: new Map(), members: new Map() })
const isEmpty = <E>(node: Node<E>) => node.children.size + node.members.size === 0

const nobody: Match<never> = { plain: [], groups: [] }

/** The subject tree: a node a token. Wildcards are ordinary children here, which only subscriptions can create. */
export class Sublist<E extends Entry> {
  #root = newNode<E>()
  #size = 0

  /** Number of subscriptions. */
  get size(): number {
    return this.#size
  }

  /** Number of nodes below the root, counted by walking: an empty tree has none. */
  countNodes(): number {
    return countBelow(this.#root)
  }

  /** The subject must be subscribable (`isSubscribable`). An entry that is there already is not added again. */
  insert(entry: E): void {
    let node = this.#root
    for (const token of entry.subject.split('.')) {
      let child = node.children.get(token)
      if (!child) {
        child = newNode()
        node.children.set(token, child)
      }
      node = child
    }
    const group = entry.queue ?? NO_GROUP
    const members = node.members.get(group) ?? new Set()
    node.members.set(group, members)
    if (members.has(entry)) return
    members.add(entry)
    this.#size++
  }

  /** Takes an entry out, and with it the branches that only it needed. Answers whether it was there. */
  remove(entry: E): boolean {
    const removed = this.#removeBelow(this.#root, entry.subject.split('.'), 0, entry)
    if (removed) this.#size--
    return removed
  }

  #removeBelow(node: Node<E>, tokens: readonly string[], depth: number, entry: E): boolean {
    const token = tokens[depth]
    if (token === undefined) return removeMember(node, entry)
    const child = node.children.get(token)
    if (!child || !this.#removeBelow(child, tokens, depth + 1, entry)) return false
    if (isEmpty(child)) node.children.delete(token)
    return true
  }

  /** Who gets what is published to this subject. A subject with an empty token reaches nobody, not even `>`. */
  match(subject: string): Match<E> {
    const tokens = subject.split('.')
    if (tokens.includes('')) return nobody
    const plain: E[] = []
    const groups = new Map<string, E[]>()
    collect(this.#root, tokens, 0, plain, groups)
    return plain.length === 0 && groups.size === 0 ? nobody : { plain, groups: [...groups.values()] }
  }
}

const countBelow = <E>(node: Node<E>): number =>
  node.children.values().reduce((count, child) => count + 1 + countBelow(child), 0)

function removeMember<E extends Entry>(node: Node<E>, entry: E): boolean {
  const group = entry.queue ?? NO_GROUP
  const members = node.members.get(group)
  if (!members?.delete(entry)) return false
  if (members.size === 0) node.members.delete(group)
  return true
}

/** Members of one group may subscribe through different wildcards: they are one group still, so groups are joined by name. */
function collect<E>(
  node: Node<E>,
  tokens: readonly string[],
  depth: number,
  plain: E[],
  groups: Map<string, E[]>,
): void {
  const token = tokens[depth]
  if (token === undefined) {
    take(node, plain, groups)
    return
  }
  const rest = node.children.get(ANY_TOKENS)
  if (rest) take(rest, plain, groups)
  const any = node.children.get(ANY_TOKEN)
  if (any) collect(any, tokens, depth + 1, plain, groups)
  if (token === ANY_TOKEN || token === ANY_TOKENS) return // published as literal text: no subscription can name it
  const child = node.children.get(token)
  if (child) collect(child, tokens, depth + 1, plain, groups)
}

function take<E>(node: Node<E>, plain: E[], groups: Map<string, E[]>): void {
  for (const [name, members] of node.members) {
    let found = plain
    if (name !== NO_GROUP) {
      found = groups.get(name) ?? []
      groups.set(name, found)
    }
    for (const entry of members) found.push(entry)
  }
}
