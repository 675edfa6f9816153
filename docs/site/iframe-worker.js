// Browsers start no worker for a page opened as a file. There the search runs in a hidden frame instead, so that it
// works without a server. Pages that come from a server are left as they are.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      const script = document.createElement("script")
      const frame = document.createElement("iframe")
      frame.hidden = true
      document.body.append(frame)
      this.frame = frame
      this.waiting = []
      frame.contentWindow.postMessage = (data) => setTimeout(() => this.tell(data)) // never within the question
      script.src = url
      script.onload = () => this.deliver()
      script.onerror = (event) => this.onerror?.(event)
      frame.contentDocument.body.append(script)
    }

    postMessage(data) {
      this.waiting.push(data)
      if (this.ready) this.deliver()
    }

    deliver() {
      this.ready = true
      const inside = this.frame.contentWindow
      for (const sent of this.waiting.splice(0)) {
        const data = inside.structuredClone(sent)
        inside.dispatchEvent(new inside.MessageEvent("message", { data }))
      }
    }

    tell(data) {
      const event = new MessageEvent("message", { data })
      this.onmessage?.(event)
      this.dispatchEvent(event)
    }

    terminate() {
      this.frame.remove()
    }
  }
}
