import EverylineAWS
import NIOCore
import Testing

@Suite("An XML element")
struct XMLElementTests {
    @Test("is read with its children, its text and what its entities stand for")
    func read() throws {
        let document = try XMLElement(
            ByteBuffer(
                string: """
                    <?xml version="1.0"?>
                    <!-- a comment -->
                    <a xmlns="u"><list><member><k>1 &lt; 2 &amp;&#xFC;&#252;</k></member><member/></list><c><![CDATA[<x>&]]></c></a>
                    """))
        #expect(document.name == "a")
        #expect(document["list"]?.members.count == 2)
        #expect(document["list"]?.members.first?["k"]?.text == "1 < 2 &üü")
        #expect(document["c"]?.text == "<x>&" && document.first("k")?.text == "1 < 2 &üü" && document["none"] == nil)
    }

    @Test("is read scalar by scalar: a mark that joins with a delimiter hides none")
    func joined() throws {
        let document = try XMLElement(ByteBuffer(string: "<a/\u{301}>&amp;\u{301}</a/\u{301}>"))
        #expect(document.name == "a" && document.text == "&\u{301}")
    }

    @Test(
        "isn't read from what no service answers",
        arguments: [
            "", "a", "{}", "<a>", "</a>", "<a></b>", "<a/><b/>", "<a>&x;</a>", "<a>&lt</a>", "<a>&#xD800;</a>", "<>",
            "< />",
            "<a", "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", "<a><!-- </a>", "<a><![CDATA[x]]</a>",
            String(repeating: "<a>", count: 40) + String(repeating: "</a>", count: 40),
        ])
    func refuse(text: String) {
        #expect(throws: NotXML.self) { try XMLElement(ByteBuffer(string: text)) }
    }
}
