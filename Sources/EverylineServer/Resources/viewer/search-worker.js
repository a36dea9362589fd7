import{compile as r,Finder as s}from"./matcher.js";let i;addEventListener("message",({data:e})=>{"query"in e?i=new s(r(e.query),e.query.isRegex):i&&postMessage(i.find(e.text,e.first))});
