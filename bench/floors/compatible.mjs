// The least that speaks OpenAI's chat, and streams: `burst-N` gives N tokens in large writes, `paced-N` each in a write of its
// own. Prints its address.
import http from 'node:http'

const tokensPerWrite = 64
const say = (model, delta, reason = null) =>
  `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model, choices: [{ index: 0, delta, finish_reason: reason }] })}\n\n`

const server = http.createServer((request, response) => {
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    if (request.method === 'GET' && request.url === '/v1/models') return sendModels(response)
    if (request.url !== '/v1/chat/completions') return response.writeHead(404).end()
    const { model } = JSON.parse(Buffer.concat(chunks).toString())
    const [manner, count] = model.split('-')
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.socket.setNoDelay(true)
    stream(response, { model, count: Number(count), together: manner === 'burst' ? tokensPerWrite : 1 })
  })
})
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))

function sendModels(response) {
  response.writeHead(200, { 'content-type': 'application/json' })
  const data = ['burst-8', 'burst-20000', 'paced-4000'].map((id) => ({ id, object: 'model', owned_by: 'bench' }))
  response.end(JSON.stringify({ object: 'list', data }))
}

function stream(response, { model, count, together }) {
  const word = say(model, { content: ' word' })
  const end = `${say(model, {}, 'stop')}data: [DONE]\n\n`
  let said = 0
  const go = () => {
    if (response.destroyed) return
    const now = Math.min(together, count - said)
    said += now
    const text = word.repeat(now)
    if (said === count) return response.end(text + end)
    if (response.write(text)) setImmediate(go)
    else response.once('drain', go)
  }
  go()
}
