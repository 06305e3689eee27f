import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createMessage, toTextParts } from './message.ts'
import { createNotices } from './notices.ts'
import { buildTree, type TreeNode } from './tree.ts'

const at = '2026-08-14T09:00:00.000Z'

function node(key: string, parentKey: string | null, role: 'user' | 'assistant' | null = 'user'): TreeNode {
  return { key, parentKey, ...(role && { message: createMessage({ role, parts: toTextParts(key), createdAt: at }) }) }
}

function build(nodes: readonly TreeNode[], head: string | null = null) {
  const notices = createNotices()
  const tree = buildTree(nodes, { head, toId: (key) => key.toUpperCase(), where: 'here', notices })
  return { links: tree.messages.map(({ id, parentId }) => `${parentId ?? ''}>${id}`), ...tree, notices: notices.list }
}

describe('a tree of messages', () => {
  it('has parents before children, whatever their order was', () => {
    const { links, head } = build([node('c', 'b'), node('b', 'a'), node('a', null), node('d', 'a')])
    assert.deepEqual(links, ['>A', 'A>B', 'B>C', 'A>D'])
    assert.equal(head, 'D')
  })

  it('links that hold no message are left out, and their children hang from what is above', () => {
    const { links, head } = build(
      [node('root', null, null), node('a', 'root'), node('x', 'a', null), node('b', 'x')],
      'x',
    )
    assert.deepEqual(links, ['>A', 'A>B'])
    assert.equal(head, 'A')
  })

  it('a missing parent makes a root, which is said', () => {
    const { links, notices } = build([node('a', null), node('b', 'gone')])
    assert.deepEqual(links, ['>A', '>B'])
    assert.match(notices[0]?.why ?? '', /gone is missing/)
  })

  it('a circle is opened, which is said', () => {
    const { links, notices } = build([node('a', 'c'), node('b', 'a'), node('c', 'b'), node('s', 's')])
    assert.equal(links.length, 4)
    assert.equal(notices.length, 2)
    assert.match(notices[0]?.why ?? '', /circle/)
  })

  it('of two with one id the first is taken, which is said', () => {
    const { links, notices } = build([node('a', null), node('a', 'a')])
    assert.deepEqual(links, ['>A'])
    assert.match(notices[0]?.why ?? '', /twice/)
  })

  it('thoughts go to the next answer below, not to a question', () => {
    const thoughts: TreeNode = { key: 't', parentKey: 'a', carries: [{ type: 'reasoning', text: 'Hm.' }] }
    const { messages } = build([node('a', null), thoughts, node('b', 't', 'assistant'), node('u', 't')])
    assert.deepEqual(messages[1]?.parts, [
      { type: 'reasoning', text: 'Hm.' },
      { type: 'text', text: 'b' },
    ])
    assert.deepEqual(messages[2]?.parts, [{ type: 'text', text: 'u' }])
  })

  it('a head that is not there is the last message; of nothing there is none', () => {
    assert.equal(build([node('a', null)], 'gone').head, 'A')
    assert.equal(build([]).head, null)
  })

  it('a chain of a hundred thousand', () => {
    const nodes = Array.from({ length: 100_000 }, (_, index) => node(`n${index}`, index > 0 ? `n${index - 1}` : null))
    assert.equal(build(nodes.reverse()).links.length, 100_000)
  })
})
