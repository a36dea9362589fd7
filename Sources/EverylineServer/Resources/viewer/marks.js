const a=200;export function marks(n,f){const t=[];n.lastIndex=0;for(const{0:o,index:c=0}of f.matchAll(n))if(o&&t.push([c,c+o.length]),t.length===200)break;return t}
