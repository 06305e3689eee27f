// An engine that answers at once: the least that speaks Ollama's chat. Prints its address.
import http from 'node:http'

const words = ['The', ' sky', ' is', ' blue', '.']
const lines = words.map(
  (content) => `${JSON.stringify({ model: 'm:latest', message: { role: 'assistant', content }, done: false })}\n`,
)
const end = `${JSON.stringify({ model: 'm:latest', message: { role: 'assistant', content: '' }, done: true, done_reason: 'stop', prompt_eval_count: 9, eval_count: 5 })}\n`

const json = (response, value) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify(value))
}

const server = http.createServer((request, response) => {
  request.resume()
  request.on('end', () => {
    if (request.url === '/api/chat') {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' })
      for (const line of lines) response.write(line)
      response.end(end)
    } else if (request.url === '/') response.end('Ollama is running')
    else if (request.url === '/api/version') json(response, { version: '0.17.4' })
    else if (request.url === '/api/ps') json(response, { models: [] })
    else if (request.url === '/api/tags') json(response, { models: [{ name: 'm:latest', model: 'm:latest', size: 1 }] })
    else if (request.url === '/api/show')
      json(response, {
        details: {},
        model_info: { 'general.architecture': 'llama', 'llama.context_length': 8192 },
        capabilities: ['completion'],
      })
    else response.writeHead(404).end()
  })
})
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
