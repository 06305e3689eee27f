// A bare proxy: passes a chat on, parses each line of the answer and says it again as server-sent events.
import http from 'node:http'

const target = process.argv[2]
const agent = new http.Agent({ keepAlive: true })
const server = http.createServer((request, response) => {
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    const body = JSON.stringify(JSON.parse(Buffer.concat(chunks).toString()))
    const upstream = http.request(`${target}/api/chat`, { method: 'POST', agent }, (answer) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      let rest = ''
      let id = 0
      answer.setEncoding('utf8')
      answer.on('data', (text) => {
        const lines = (rest + text).split('\n')
        rest = lines.pop()
        for (const line of lines) {
          const { message, done } = JSON.parse(line)
          const event = done ? { type: 'end' } : { type: 'text-delta', text: message.content }
          response.write(`id: ${++id}\ndata: ${JSON.stringify(event)}\n\n`)
        }
      })
      answer.on('end', () => response.end())
    })
    upstream.end(body)
  })
})
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
