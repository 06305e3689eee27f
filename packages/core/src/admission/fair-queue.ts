/**
 * First come, first served among what one client waits for; between clients by turns. So who wants one thing waits for one
 * thing of each other client, however many those want.
 */
export interface FairQueue<T> {
  readonly size: number
  add(client: string, item: T): void
  /** The next one, taken out. */
  take(): T | undefined
  remove(client: string, item: T): void
  /** All, in the order in which they would be taken. */
  inOrder(): T[]
}

export function createFairQueue<T>(): FairQueue<T> {
  /** In the order of the clients' turns. None is empty. */
  const clients = new Map<string, T[]>()
  let size = 0

  return {
    get size() {
      return size
    },
    add(client, item) {
      size += 1
      const items = clients.get(client)
      if (items) items.push(item)
      else clients.set(client, [item])
    },
    take() {
      for (const [client, items] of clients) {
        const item = items.shift()
        size -= 1
        clients.delete(client)
        if (items.length > 0) clients.set(client, items)
        return item
      }
      return undefined
    },
    remove(client, item) {
      const items = clients.get(client) ?? []
      const index = items.indexOf(item)
      if (index < 0) return
      size -= 1
      items.splice(index, 1)
      if (items.length === 0) clients.delete(client)
    },
    inOrder() {
      const order: T[] = []
      for (let round = 0; order.length < size; round += 1) {
        for (const items of clients.values()) order.push(...items.slice(round, round + 1))
      }
      return order
    },
  }
}
