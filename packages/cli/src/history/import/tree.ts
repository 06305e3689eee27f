import type { Content } from 'lmapp-kit'
import type { ImportedMessage } from './imported.ts'
import type { Notices } from './notices.ts'

/** A message as another program names it; its place in the tree is given by the program's own ids. */
export interface TreeNode {
  key: string
  parentKey: string | null
  /** Absent for what is only a link of the chain, such as the root of a ChatGPT conversation. */
  message?: Omit<ImportedMessage, 'id' | 'parentId'>
  /** Of a link: content that belongs to the answer below it, such as thoughts. */
  carries?: Content[]
}

export interface TreeOptions {
  /** The key of the last message of the branch that is shown. */
  head: string | null
  toId: (key: string) => string
  where: string
  notices: Notices
}

export interface Tree {
  head: string | null
  messages: ImportedMessage[]
}

/**
 * Puts the nodes in an order in which a parent comes before its children, otherwise as given. A missing parent makes a
 * root, of two nodes with one key the first is taken, a circle is opened where it is first met.
 */
export function buildTree(nodes: readonly TreeNode[], { head, toId, where, notices }: TreeOptions): Tree {
  const byKey = new Map<string, TreeNode>()
  for (const node of nodes) {
    if (byKey.has(node.key)) notices.add('message', `${where}, message ${node.key}`, 'its id is there twice')
    else byKey.set(node.key, node)
  }
  const placed = new Map<string, Placed>()
  const messages: ImportedMessage[] = []
  for (const node of byKey.values()) {
    for (const next of climb(node, byKey, placed, (why) => notices.add('link', `${where}, message ${node.key}`, why))) {
      const parent = next.parentKey === null ? undefined : placed.get(next.parentKey)
      placed.set(next.key, place(next, parent, toId, messages))
    }
  }
  return { head: findHead(head, placed, messages), messages }
}

/** Where a node stands: the nearest message at or above it, and what waits for the next one. */
interface Placed {
  id: string | null
  carried: Content[]
}

/** The nodes above that are not placed yet and the node itself, the highest first. */
function climb(
  node: TreeNode,
  byKey: ReadonlyMap<string, TreeNode>,
  placed: ReadonlyMap<string, Placed>,
  notice: (why: string) => void,
): TreeNode[] {
  const chain: TreeNode[] = []
  const seen = new Set<string>()
  let current: TreeNode | undefined = node
  while (current && !placed.has(current.key)) {
    if (seen.has(current.key)) {
      notice('its parents form a circle, which was opened')
      break
    }
    seen.add(current.key)
    chain.push(current)
    if (current.parentKey === null) break
    const parent: TreeNode | undefined = byKey.get(current.parentKey)
    if (!parent) notice(`its parent ${current.parentKey} is missing, so it begins a branch`)
    current = parent
  }
  return chain.reverse()
}

function place(
  node: TreeNode,
  parent: Placed | undefined,
  toId: TreeOptions['toId'],
  messages: ImportedMessage[],
): Placed {
  const carried = [...(parent?.carried ?? []), ...(node.carries ?? [])]
  if (!node.message) return { id: parent?.id ?? null, carried }
  const id = toId(node.key)
  const takes = node.message.role === 'assistant'
  const parts = takes ? [...carried, ...node.message.parts] : node.message.parts
  messages.push({ id, parentId: parent?.id ?? null, ...node.message, parts })
  return { id, carried: takes ? [] : carried }
}

/** The head as named; else the newest message. */
function findHead(key: string | null, placed: ReadonlyMap<string, Placed>, messages: readonly ImportedMessage[]) {
  const named = key === null ? undefined : placed.get(key)
  return named?.id ?? messages.at(-1)?.id ?? null
}
