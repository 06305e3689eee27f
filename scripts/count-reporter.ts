/** A reporter for node's test runner that writes the counts of the whole run as one line of JSON. */
interface Event {
  type: string
  data: { file?: string; counts?: Record<string, number> }
}

export default async function* counts(source: AsyncIterable<Event>): AsyncGenerator<string> {
  for await (const { type, data } of source) {
    if (type === 'test:summary' && data.file === undefined) yield `${JSON.stringify(data.counts)}\n`
  }
}
