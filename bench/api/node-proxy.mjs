// The reference in Node: passes a request on, parses each event of the answer and says it again. Prints its address.
import http from 'node:http'

const target = process.argv[2]
const agent = new http.Agent({ keepAlive: true })

const server = http.createServer((request, response) => {
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    const body = JSON.stringify(JSON.parse(Buffer.concat(chunks).toString()))
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const upstream = http.request(target + request.url, { method: 'POST', agent, headers }, (answer) => {
      const type = answer.headers['content-type']
      response.writeHead(answer.statusCode, { 'content-type': type })
      if (type.startsWith('text/event-stream')) sayEvents(answer, response)
      else sayWhole(answer, response)
    })
    upstream.on('error', () => response.destroy())
    response.on('close', () => upstream.destroy())
    upstream.end(body)
  })
})
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))

function sayEvents(answer, response) {
  let rest = ''
  answer.setEncoding('utf8')
  answer.on('data', (text) => {
    const events = (rest + text).split('\n\n')
    rest = events.pop()
    for (const event of events) {
      const data = event.slice('data: '.length)
      response.write(`data: ${data === '[DONE]' ? data : JSON.stringify(JSON.parse(data))}\n\n`)
    }
  })
  answer.on('end', () => response.end())
}

function sayWhole(answer, response) {
  let text = ''
  answer.setEncoding('utf8')
  answer.on('data', (piece) => {
    text += piece
  })
  answer.on('end', () => response.end(JSON.stringify(JSON.parse(text))))
}
